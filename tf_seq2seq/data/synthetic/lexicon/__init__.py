"""The words of the synthetic corpus in both languages, by kind.

`kinds` defines what a word knows about itself (its forms, its measure word, the adjectives that
suit it); the other modules list the words.
"""
