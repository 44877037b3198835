def run(tap, place, args): pass
