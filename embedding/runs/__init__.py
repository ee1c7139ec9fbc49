"""A command's whole work: train, tune, shorten, adapt, with the plots and the model card that come of it."""
