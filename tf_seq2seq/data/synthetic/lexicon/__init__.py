"""The words of the synthetic corpus in both languages, by kind.

`kinds` defines the properties of a word (its forms, its measure word, the adjectives that go with
it); the other modules list the words.
"""
