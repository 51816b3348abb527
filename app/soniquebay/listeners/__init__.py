"""Who may come in, and what each user keeps. None of it can be made from the files of music."""
