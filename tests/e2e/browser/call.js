// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// One side of a call. The address's fragment says which, as JSON: {me, other, offers, ice, picture}.
// `call` is what a test or the demo reads and drives.
"use strict";

const settings = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const byId = id => document.getElementById(id);
const started = performance.now();
const since = () => Math.round(performance.now() - started);

const call = {
	candidates: [],  // {type, address, port, protocol, ms from the offer}, ours
	errors: [],      // of gathering
	states: [],      // {state, ms} of the connection
	began: null,     // when the offer was made or came, milliseconds from the start
	connected: null, // milliseconds from then
	data: {sent: 0, received: 0, damaged: 0, echoed: 0, rtt: null},
};

// A moving picture with the time in it, and a tone.
function scene() {
	const canvas = Object.assign(document.createElement("canvas"), {width: 320, height: 240});
	const pen = canvas.getContext("2d");
	const hue = settings.offers ? 215 : 25;
	setInterval(() => {
		const t = performance.now() / 1000;
		pen.fillStyle = `hsl(${hue} 60% 22%)`;
		pen.fillRect(0, 0, 320, 240);
		for (let n = 0; n < 9; n++) {
			pen.fillStyle = `hsl(${hue + 12 * n} 85% ${45 + 4 * n}%)`;
			pen.beginPath();
			pen.arc(160 + 120 * Math.sin(t * (1 + n / 9) + n), 110 + 70 * Math.cos(t * 1.3 + 2 * n),
				14, 0, 2 * Math.PI);
			pen.fill();
		}
		pen.fillStyle = "#fff";
		pen.font = "600 24px system-ui, sans-serif";
		pen.fillText(`${settings.me}  ${t.toFixed(1)} s`, 16, 224);
	}, 40);
	const audio = new AudioContext();
	const tone = audio.createOscillator(), out = audio.createMediaStreamDestination();
	tone.frequency.value = settings.offers ? 440 : 554;
	tone.connect(out);
	tone.start();
	audio.resume();
	return new MediaStream([...canvas.captureStream(25).getTracks(), ...out.stream.getTracks()]);
}

// Signalling: letters in boxes at the page's server.
const post = letter => fetch(`mail/${settings.other}`, {method: "POST", body: JSON.stringify(letter),
	signal: AbortSignal.timeout(10000)}).catch(error => console.log(`not posted: ${error}`));

async function read(take) {
	for (let after = 0;;) {
		// A connection may hang for ever: the address that it was made from can go.
		const signal = AbortSignal.timeout(3000);
		const letters = await fetch(`mail/${settings.me}?after=${after}`, {signal})
			.then(answer => answer.json()).catch(() => []);
		after += letters.length;
		for (const letter of letters)
			await take(letter).catch(error => console.log(`signalling: ${error}`));
	}
}

const pc = new RTCPeerConnection({...settings.ice, bundlePolicy: "max-bundle"});

pc.onicecandidate = ({candidate}) => {
	if (!candidate?.candidate)
		return;
	const {type, address, port, protocol} = candidate;
	call.candidates.push({type, address, port, protocol, ms: since() - call.began});
	const row = byId("candidates").insertRow();
	for (const text of [`${type} ${protocol}`, `${address} ${port}`, `${since() - call.began} ms`])
		row.insertCell().textContent = text;
	post({candidate});
};
pc.onicecandidateerror = ({url, errorCode, errorText}) => call.errors.push({url, errorCode, errorText});
pc.onconnectionstatechange = () => {
	call.states.push({state: pc.connectionState, ms: since()});
	byId("state").textContent = pc.connectionState;
	if (pc.connectionState == "connected")
		call.connected ??= since() - call.began;
};
pc.ontrack = ({streams}) => { byId("remote").srcObject = streams[0]; };

// Payloads that can be checked: a number, and bytes that follow from it.
const SIZE = 400;

function payload(number) {
	const bytes = new Uint8Array(SIZE), view = new DataView(bytes.buffer);
	view.setUint32(0, number);
	view.setFloat64(4, performance.now());
	for (let at = 13; at < SIZE; at++)
		bytes[at] = number * 31 + at * 7;
	return bytes;
}

function whole(bytes) {
	const number = new DataView(bytes.buffer).getUint32(0);
	return bytes.length == SIZE &&
		bytes.subarray(13).every((byte, at) => byte == (number * 31 + (at + 13) * 7 & 255));
}

// Unordered and never sent again: what the path loses is seen.
const channel = pc.createDataChannel("payloads", {negotiated: true, id: 1, ordered: false,
	maxRetransmits: 0});
channel.binaryType = "arraybuffer";
channel.onopen = () => setInterval(() => {
	if (channel.readyState == "open" && channel.bufferedAmount < 10 * SIZE)
		channel.send(payload(call.data.sent++));
}, 20);
channel.onmessage = ({data}) => {
	const bytes = new Uint8Array(data);
	if (!whole(bytes))
		return void call.data.damaged++;
	if (bytes[12]) { // our own, come back
		call.data.echoed++;
		call.data.rtt = performance.now() - new DataView(data).getFloat64(4);
		return;
	}
	call.data.received++;
	bytes[12] = 1;
	channel.send(bytes);
};

const charts = {
	rate: new Chart(byId("rate"), {title: "rate", unit: "kbit/s", names: ["in", "out"]}),
	rtt: new Chart(byId("rtt"), {title: "round trip", unit: "ms"}),
	loss: new Chart(byId("loss"), {title: "loss", unit: "%", colours: ["#dc2626"]}),
};

// What the browser says of the connection, as a test wants it.
async function look() {
	const stats = [...(await pc.getStats()).values()];
	const find = (type, more = () => true) => stats.find(s => s.type == type && more(s));
	const byName = id => stats.find(s => s.id == id);
	const pair = byName(find("transport")?.selectedCandidatePairId);
	const side = id => (({candidateType, address, port, protocol, relayProtocol, url}) =>
		({type: candidateType, address, port, protocol, relayProtocol, url}))(byName(id) ?? {});
	const video = find("inbound-rtp", s => s.kind == "video");
	const audio = find("inbound-rtp", s => s.kind == "audio");
	return {
		state: pc.connectionState, ice: pc.iceConnectionState, pair: pair && {
			local: side(pair.localCandidateId), remote: side(pair.remoteCandidateId),
			rtt: pair.currentRoundTripTime, in: pair.bytesReceived, out: pair.bytesSent},
		frames: video?.framesDecoded ?? 0, audio: audio?.totalSamplesReceived ?? 0,
		lost: (video?.packetsLost ?? 0) + (audio?.packetsLost ?? 0),
		packets: (video?.packetsReceived ?? 0) + (audio?.packetsReceived ?? 0),
		energy: audio?.totalAudioEnergy ?? 0,
		size: [byId("remote").videoWidth, byId("remote").videoHeight],
		connected: call.connected, candidates: call.candidates, errors: call.errors,
		states: call.states, data: call.data,
	};
}

let before = null;
setInterval(async () => {
	const now = await look(), ms = performance.now();
	if (before?.now.pair && now.pair) {
		const rate = way => (now.pair[way] - before.now.pair[way]) * 8 / (ms - before.ms);
		charts.rate.add(Math.max(0, rate("in")), Math.max(0, rate("out")));
		charts.rtt.add(call.data.rtt);
		const lost = now.lost - before.now.lost, got = now.packets - before.now.packets;
		charts.loss.add(100 * Math.max(0, lost) / Math.max(1, lost + got));
	}
	before = {now, ms};
}, 500);

async function offer(options) {
	call.began ??= since();
	await pc.setLocalDescription(await pc.createOffer(options));
	await post({description: pc.localDescription});
}

Object.assign(call, {look, restart: () => offer({iceRestart: true})});

byId("who").textContent = `${settings.me} calls ${settings.other}`;
const stream = scene();
byId("local").srcObject = stream;
stream.getTracks().forEach(track => pc.addTrack(track, stream));
read(async ({description, candidate}) => {
	if (description) {
		call.began ??= since();
		await pc.setRemoteDescription(description);
		if (description.type == "offer") {
			await pc.setLocalDescription();
			await post({description: pc.localDescription});
		}
	} else {
		await pc.addIceCandidate(candidate);
	}
});
if (settings.offers)
	offer();
