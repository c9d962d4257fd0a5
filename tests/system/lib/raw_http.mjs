// tests/system/lib/raw_http.mjs: one HTTP request exactly as written, one answer; for what no polite client sends.

import net from 'node:net';
import { within } from './until.mjs';

/**
 * @param {string} base the server's http URL @param {string[]} lines request line and headers (Host is added)
 * @returns {Promise<{status: number, headers: Record<string, string>, body: string}>} status 0: closed without an answer
 */
export async function rawRequest(base, lines, body = '') {
  const { port, host } = new URL(base);
  const socket = net.connect(Number(port), '127.0.0.1');
  const chunks = [];
  socket.on('error', () => {});
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.write(`${[lines[0], ...(lines.some((l) => /^host:/i.test(l)) ? [] : [`Host: ${host}`]), ...lines.slice(1)].join('\r\n')}\r\n\r\n${body}`);
  const upgraded = () => String(Buffer.concat(chunks)).startsWith('HTTP/1.1 101');
  await within(new Promise((resolve) => {
    socket.on('close', resolve);
    socket.on('data', () => upgraded() && resolve());
  }), `the answer to ${lines[0]}`, 15_000);
  socket.destroy();
  const text = String(Buffer.concat(chunks));
  const [head, ...rest] = text.split('\r\n\r\n');
  const headers = Object.fromEntries(head.split('\r\n').slice(1).map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  return { status: Number(/^HTTP\/1\.[01] (\d+)/.exec(text)?.[1] ?? 0), headers, body: rest.join('\r\n\r\n') };
}

export const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
