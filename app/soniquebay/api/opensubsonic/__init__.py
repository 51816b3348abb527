"""The OpenSubsonic API under `/rest`, for the apps that speak it.

Its requests carry their own credentials, so nothing here ever looks at the cookie of a session.
"""

PREFIX = "/rest/"
