// tests/system/lib/packages.mjs: the Node.js packages, which live beside the browser tests.

import { createRequire } from 'node:module';

const require = createRequire(new URL('../../browser/package.json', import.meta.url));

export const { WebSocket } = require('ws');
export const wrtc = require('@roamhq/wrtc');

// @roamhq/wrtc crashes when Node.js takes its environment down, not when the process just ends. Registered late, so that
// the test runner has had its say about the exit code.
setImmediate(() => process.on('exit', () => process.reallyExit(process.exitCode)));
