"""The dialogue of a call: `dtmf` classifies what was keyed in, `flow` is the table of what each input does."""
