# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""A STUN and TURN client from the text of RFC 8489 and RFC 8656, and from nothing else.

It shares no line with the server nor with ../stun.py and ../turn.py, so that a misreading of theirs
is not its own. It is as strict as a client may be: an answer that breaks a rule raises a Violation.
"""
