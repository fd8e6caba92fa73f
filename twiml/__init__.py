"""What we say on a call and in a text. Pure: words in, TwiML or text out."""
