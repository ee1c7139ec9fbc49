"""All releases of one data folder: which is live, which stay, and how a change gets the vectors each needs."""
