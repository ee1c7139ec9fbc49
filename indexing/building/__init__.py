"""From a catalogue, or from what is live, to a finished release."""
