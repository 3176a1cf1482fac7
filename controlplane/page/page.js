// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
"use strict";

const byId = id => document.getElementById(id);
const PERIOD = 20;          // milliseconds between messages
const SIZE = 200;           // bytes of a message
const PATIENCE = 15000;     // milliseconds until the verdict that nothing came through
const LATE = 2000;          // milliseconds after which a message counts as lost

let trial = null;

class Trial {
	constructor(url, username, credential) {
		Object.assign(this, {url, username, errors: [], types: [], connected: false, started: performance.now()});
		Object.assign(this, {sent: 0, received: 0, lost: 0, damaged: 0, bytes: 0, rtt: null, waiting: new Map()});
		const config = {iceServers: [{urls: url.split(/[\s,]+/), username, credential}]};
		// The messages' way is from relay to relay; a third connection gathers what there is besides.
		this.pcs = [new RTCPeerConnection({...config, iceTransportPolicy: "relay"}),
			new RTCPeerConnection({...config, iceTransportPolicy: "relay"})];
		this.scout = new RTCPeerConnection(config);
	}

	async run() {
		const [near, far] = this.pcs;
		for (const pc of [...this.pcs, this.scout]) {
			pc.onicecandidateerror = ({errorCode, errorText, url}) => {
				this.errors.push({code: errorCode, text: errorText, url});
				verdict();
			};
		}
		this.scout.onicecandidate = ({candidate}) => candidate?.candidate && this.show(candidate);
		this.scout.createDataChannel("scout");
		await this.scout.setLocalDescription();
		near.onicecandidate = ({candidate}) => candidate && far.addIceCandidate(candidate);
		far.onicecandidate = ({candidate}) => candidate && near.addIceCandidate(candidate);
		const options = {negotiated: true, id: 1, ordered: false, maxRetransmits: 0};
		const out = near.createDataChannel("loop", options), back = far.createDataChannel("loop", options);
		out.binaryType = back.binaryType = "arraybuffer";
		back.onmessage = ({data}) => back.readyState == "open" && back.send(data);
		out.onmessage = ({data}) => this.take(data);
		out.onopen = () => { this.timer = setInterval(() => this.send(out), PERIOD); };
		await near.setLocalDescription();
		await far.setRemoteDescription(near.localDescription);
		await far.setLocalDescription();
		await near.setRemoteDescription(far.localDescription);
		this.ticker = setInterval(() => this.tick(), 500);
	}

	show({type, protocol, address, port, url}) {
		this.types.push(type);
		const row = byId("candidates").insertRow();
		const after = `${Math.round(performance.now() - this.started)} ms`;
		for (const text of [`${type} ${protocol}`, `${address} ${port}`, url ?? "", after])
			row.insertCell().textContent = text;
		verdict();
	}

	send(channel) {
		if (channel.readyState != "open" || channel.bufferedAmount > 20 * SIZE)
			return;
		const bytes = new Uint8Array(SIZE).map((_, at) => at * 7 + this.sent);
		new DataView(bytes.buffer).setUint32(0, this.sent);
		this.waiting.set(this.sent++, performance.now());
		channel.send(bytes);
	}

	take(data) {
		const number = new DataView(data).getUint32(0), at = this.waiting.get(number);
		if (new Uint8Array(data).some((byte, n) => n >= 4 && byte != (n * 7 + number & 255)))
			this.damaged++;
		if (at == null)
			return;
		this.waiting.delete(number);
		this.rtt = performance.now() - at;
		this.received++;
		this.bytes += 2 * data.byteLength;
		if (!this.connected) {
			this.connected = true;
			verdict();
		}
	}

	tick() {
		const now = performance.now();
		let lost = 0;
		for (const [number, at] of this.waiting) {
			if (at > now - LATE)
				break;
			this.waiting.delete(number);
			lost++;
		}
		this.lost += lost;
		const before = this.before ?? {now: this.started, received: 0, bytes: 0};
		const got = this.received - before.received;
		if (this.connected) {
			charts.rtt.add(this.rtt);
			charts.rate.add((this.bytes - before.bytes) * 8 / (now - before.now));
			charts.loss.add(got + lost ? 100 * lost / (got + lost) : null);
		}
		this.before = {now, received: this.received, bytes: this.bytes};
		if (!this.connected || this.lost)
			verdict();
	}

	over() {
		return this.connected || performance.now() - this.started > PATIENCE ||
			this.pcs.every(pc => pc.iceGatheringState == "complete") && !this.types.includes("relay");
	}

	end() {
		clearInterval(this.timer);
		clearInterval(this.ticker);
		for (const pc of [...this.pcs, this.scout])
			pc.close();
	}
}

function verdict() {
	const box = byId("verdict");
	const facts = {...trial, now: Date.now() / 1000};
	if (!trial.over() && !facts.errors.some(error => error.code != 701)) {
		box.className = "";
		box.textContent = "Trying …";
		return;
	}
	const said = diagnose(facts);
	box.className = said.length ? "bad" : "good";
	const lost = trial.lost ? ` ${trial.lost} of ${trial.sent} messages were lost on the way.` : "";
	box.textContent = said.length ? "" : `The relay works: messages go out and come back through it.${lost}`;
	for (const sentence of said)
		box.appendChild(document.createElement("p")).textContent = sentence;
}

const charts = {
	rtt: new Chart(byId("rtt"), {title: "Round trip", unit: "ms"}),
	rate: new Chart(byId("rate"), {title: "Rate", unit: "kbit/s", colours: ["#16a34a"]}),
	loss: new Chart(byId("loss"), {title: "Loss", unit: "%", colours: ["#dc2626"]}),
};

byId("form").onsubmit = event => {
	event.preventDefault();
	trial?.end();
	byId("candidates").replaceChildren();
	Object.values(charts).forEach(chart => chart.clear());
	const url = byId("url").value.trim();
	try {
		trial = new Trial(/^(stun|turn)s?:/.test(url) ? url : `turn:${url}`, byId("username").value.trim(),
			byId("credential").value);
		trial.run();
		verdict();
	} catch (error) {
		byId("verdict").className = "bad";
		byId("verdict").textContent = `That is not a server's address: turn:HOST:PORT is. (${error.message})`;
	}
};
