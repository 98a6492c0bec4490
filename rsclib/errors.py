"""The one exception that a user's mistake may raise."""


class RscError(ValueError):
    """Something the user can put right. The command line prints its one line and exits with 2."""
