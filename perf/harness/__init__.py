# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Turnpike authors
"""The harness: every figure of Turnpike, beside the peers and the limit, by one command."""
