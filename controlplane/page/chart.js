// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The Turnpike authors
//
// A live line chart on a canvas: the last `seconds` of what add() was given, with its newest value. The scale
// ends at `least` or higher.
"use strict";

class Chart {
	constructor(canvas, {title, unit, least = 1, seconds = 30, colours = ["#2563eb", "#d97706"], names = []}) {
		Object.assign(this, {canvas, title, unit, least, seconds, colours, names});
		this.points = [];
		this.draw();
	}

	// `values`: a number for each line, or null where nothing is known.
	add(...values) {
		const now = performance.now() / 1000;
		this.points.push({now, values});
		while (this.points[0].now < now - this.seconds - 1)
			this.points.shift();
		this.draw();
	}

	clear() {
		this.points = [];
		this.draw();
	}

	ceiling() {
		const most = Math.max(...this.points.flatMap(p => p.values.map(v => v ?? 0)), this.least);
		const step = 10 ** Math.floor(Math.log10(most));
		return [1, 2, 5, 10].map(k => k * step).find(top => top >= most);
	}

	draw() {
		const ratio = window.devicePixelRatio || 1;
		const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
		this.canvas.width = width * ratio;
		this.canvas.height = height * ratio;
		const pen = this.canvas.getContext("2d");
		pen.scale(ratio, ratio);
		const style = getComputedStyle(this.canvas);
		const left = 8, right = width - 8, top = 26, bottom = height - 8;
		pen.font = "600 12px system-ui, sans-serif";
		pen.fillStyle = style.color;
		pen.fillText(this.title, left, 16);
		if (!this.points.length)
			return;
		const now = this.points.at(-1).now, ceiling = this.ceiling();
		const x = t => right - (now - t) / this.seconds * (right - left);
		const y = v => bottom - v / ceiling * (bottom - top);
		pen.strokeStyle = pen.fillStyle = "#8888";
		pen.lineWidth = 1;
		pen.font = "10px system-ui, sans-serif";
		for (const share of [0, 0.5, 1]) {
			pen.beginPath();
			pen.moveTo(left, y(share * ceiling));
			pen.lineTo(right, y(share * ceiling));
			pen.stroke();
			if (share)
				pen.fillText(`${+(share * ceiling).toPrecision(2)}`, left, y(share * ceiling) + 11);
		}
		let at = right;
		pen.font = "600 12px system-ui, sans-serif";
		pen.textAlign = "right";
		this.points.at(-1).values.forEach((newest, line) => {
			pen.strokeStyle = pen.fillStyle = this.colours[line];
			pen.lineWidth = 2;
			pen.beginPath();
			for (const point of this.points)
				if (point.values[line] != null && point.now > now - this.seconds)
					pen.lineTo(x(point.now), y(point.values[line]));
			pen.stroke();
			const name = this.names[line] ? this.names[line] + " " : "";
			const text = name + (newest == null ? "-" : `${+newest.toPrecision(3)} ${this.unit}`);
			pen.fillText(text, at, 16);
			at -= pen.measureText(text).width + 14;
		});
		pen.textAlign = "left";
	}
}
