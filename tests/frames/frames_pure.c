// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors

#include "pure.h"

int main(void)
{
	return cases_run(pure_run) != 0;
}
