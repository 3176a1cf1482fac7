// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// What went wrong, in plain words. `facts`: {url, username, now (seconds), errors: [{code, text, url}],
// types: the candidates' types, connected: whether a message came through the relay}. Returns sentences,
// the likeliest first; none when all is well.
"use strict";

// A REST user name starts with the second at which its credentials end.
function expiry(username) {
	const found = /^(\d{9,11})(:|$)/.exec(username);
	return found ? Number(found[1]) : null;
}

function duration(seconds) {
	const minutes = Math.round(seconds / 60);
	return minutes < 1 ? "a few seconds" : minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

function refused({username, now}) {
	const ends = expiry(username);
	if (ends != null && ends <= now)
		return [`These credentials ended ${duration(now - ends)} ago by this device's clock. Get fresh ones; ` +
			"if they are fresh, the clock of this device or of whoever made them is wrong."];
	const said = ["The relay refused the user name or password. Check both, and that they are of this relay."];
	if (ends != null)
		said.push(`By this device's clock the credentials last for ${duration(ends - now)} more. If the ` +
			"password is right, the relay's clock is ahead of this one, or its secret is another.");
	return said;
}

const WORDS = {
	400: () => ["The relay found the request malformed. That is an error of the browser or the relay, not yours."],
	401: refused,
	403: () => ["The relay's policy forbids this."],
	437: () => ["The relay still has an allocation for this address and port. Try again."],
	438: refused,
	441: refused,
	442: () => ["The relay does not offer the transport that was asked for."],
	486: () => ["This user has as many allocations as the relay allows. Close other calls, or wait ten minutes."],
	500: () => ["The relay had an error of its own. Its log says more."],
	508: () => ["The relay is full: no more ports or no more room. Its operator can raise limits.allocations " +
		"or ports."],
	701: ({url}) => ["The relay did not answer. Is the address right, and is the relay running? Many " +
		"networks block UDP" + (/transport=tcp|^turns:/.test(url) ? "." : ": try another network, or a TCP or " +
		"TLS address of the relay, if it has one (…?transport=tcp, turns:…).")],
};

function diagnose(facts) {
	if (facts.connected)
		return [];
	const codes = [...new Set(facts.errors.map(error => error.code))];
	// A refusal says more than another address's silence.
	codes.sort((a, b) => (a == 701) - (b == 701));
	if (!facts.types.includes("relay")) {
		const said = codes.flatMap(code => WORDS[code]?.(facts) ?? [`The relay answered with error ${code}.`]);
		return said.length ? said : WORDS[701](facts);
	}
	return ["The relay gave out an address, but no message came through it. Its policy may deny the peer: " +
		"here that is the relay's own address, which every relay of this kind lets through for a live " +
		"allocation. Or a firewall lets only the relay's listening port pass and not its range of relay ports."];
}
