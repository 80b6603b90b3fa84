// client.js -- the official COS client, steered by a test.
//
//	node client.js FOLDER-OF-NODE_MODULES
//
// Reads a line of JSON per call: {"options": {...}, "method": "putObject",
// "params": {...}}; a parameter that is {"base64": "..."} is bytes.  Answers
// each with one: {"data": ...} or {"error": ...}.
'use strict';

const path = require('path');
const readline = require('readline');

const COS = require(path.join(process.argv[2], 'cos-nodejs-sdk-v5'));

function unpack(params) {
	const out = {};
	for (const [name, value] of Object.entries(params))
		out[name] = value !== null && typeof value === 'object' &&
		    'base64' in value ? Buffer.from(value.base64, 'base64') : value;
	return out;
}

function pack(name, value) {
	return value !== null && typeof value === 'object' &&
	    value.type === 'Buffer' ?
	    {base64: Buffer.from(value.data).toString('base64')} : value;
}

function call({options, method, params}) {
	return new Promise((resolve) => {
		const cos = new COS(options);
		// Some answer with (err, data), getObjectUrl also at once.
		cos[method](unpack(params), (err, data) => resolve(
		    err ? {error: {status: err.statusCode, code: err.code,
		        message: err.message, id: err.RequestId}} : {data}));
	});
}

(async () => {
	for await (const line of readline.createInterface({input: process.stdin})) {
		const answer = await call(JSON.parse(line)).catch(
		    (e) => ({error: {code: 'exception', message: String(e)}}));
		process.stdout.write(JSON.stringify(answer, pack) + '\n');
	}
})();
