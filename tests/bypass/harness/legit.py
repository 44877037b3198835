"""Legitimate statements: they must work, and give what the database gives with the masks laid over it."""
def load():
    return []
def run(side, items, tap, args):
    pass
