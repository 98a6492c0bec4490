"""Files in and out, safely: whole writes, bounded reads, no code in them ever executed."""
