"""What an operator decides: the settings, and what each application may do and say."""
