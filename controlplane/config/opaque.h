// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// The OpaqueString profile (RFC 8265 section 4.2), as which RFC 8489 wants realm, user names and passwords:
// spaces of every kind become U+0020, and the text is put into Unicode Normalization Form C. What comes over
// the network has been prepared by the client and is taken byte for byte (RFC 8489 section 9.2.2), so only
// the configuration has to be.
//
// Of PRECIS' contextual rules (RFC 8264 section 4.2.3.2) the one for the joiners is applied, after a virama
// alone; the others, which tell misleading spellings, are not: nobody reads a password out.
#pragma once

// Returns 0, and in *out a text that the caller frees; -EINVAL: it is not UTF-8 or has a character that the
// profile does not allow: control, unassigned, private or invisible ones; -ENOMEM.
int opaque_string(const char *text, char **out);
