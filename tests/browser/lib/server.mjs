// tests/browser/lib/server.mjs: a server of our own for a test: started on free ports, awaited, ended with all its processes.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import readline from 'node:readline';

export const binary = process.env.CONSILIUM ?? new URL('../../../build/release/consilium', import.meta.url).pathname;

/** The pages as they are installed; a build without them serves those of the source tree. */
const packed = path.join(path.dirname(binary), 'web');
const pages = fs.existsSync(packed) ? ['--set', `http.web_root=${packed}`] : [];

/** A free TCP port of the loopback interface. */
async function freeTcpPort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** The first of `count` free UDP ports in a row: worker N binds port + N. */
async function freeUdpPorts(count) {
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 20000 + Math.floor(Math.random() * 20000);
    const sockets = [];
    try {
      for (let i = 0; i < count; i++) {
        const socket = dgram.createSocket('udp4');
        sockets.push(socket);
        await new Promise((resolve, reject) => socket.once('error', reject).bind(base + i, '127.0.0.1', resolve));
      }
      return base;
    } catch {
      continue;
    } finally {
      await Promise.all(sockets.map((s) => new Promise((resolve) => s.close(resolve))));
    }
  }
  throw new Error('no free UDP ports');
}

export class Server {
  /**
   * @param {{workers?: number, args?: string[], env?: Record<string, string>, address?: string, prefix?: string[]}} [options]
   *   `address`: of another host's network interface: the server then speaks https, with a certificate made on the spot
   *   `prefix`: words before the command, such as those that run it on another host (hosts.mjs)
   */
  static async start({ workers = 1, args = [], env = {}, address, prefix = [] } = {}) {
    const http = await freeTcpPort();
    const media = await freeUdpPorts(workers);
    const [program, ...words] = [...prefix, binary];
    const child = spawn(program, [...words, address ? '--lan' : '--dev', '--http', `${address ?? '127.0.0.1'}:${http}`, '--media-port', String(media), '--workers', String(workers), ...pages, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    const server = new Server(child);
    server.media = media;
    await server.#ready();
    return server;
  }

  #log = [];

  constructor(child) {
    this.child = child;
    this.exited = once(child, 'exit');
    readline.createInterface({ input: child.stderr }).on('line', (line) => this.#log.push(line));
  }

  async #ready() {
    const lines = readline.createInterface({ input: this.child.stdout });
    const ready = new Promise((resolve) => {
      lines.on('line', (line) => {
        this.#log.push(line);
        const match = /^ready (\S+)/.exec(line);
        if (match) resolve(match[1]);
      });
    });
    const died = this.exited.then(() => Promise.reject(new Error(`the server did not start:\n${this.log}`)));
    this.url = await Promise.race([ready, died]);
    // The links follow the ready line; the admin's carries the token.
    const admin = () => this.#log.map((l) => /(\S+\/admin\S*)/.exec(l)?.[1]).find(Boolean);
    while (!admin()) await once(lines, 'line');
    this.adminUrl = admin();
    this.adminToken = decodeURIComponent(/token=([^&\s]+)/.exec(this.adminUrl)?.[1] ?? '');
  }

  get log() {
    return this.#log.join('\n');
  }

  /** @param {string} path @param {RequestInit} [init] */
  api(path, init = {}) {
    return fetch(new URL(path, this.url), { ...init, headers: { authorization: `Bearer ${this.adminToken}`, ...init.headers } });
  }

  async room(id) {
    const response = await this.api(`/api/v1/rooms/${id}`);
    return response.ok ? response.json() : null;
  }

  async token(fields) {
    const response = await fetch(new URL(`/dev/token?${new URLSearchParams(fields)}`, this.url));
    if (!response.ok) throw new Error(`token: ${response.status}`);
    return (await response.json()).token;
  }

  /** Pids of the supervisor's children by kind: 'gateway', 'worker 0', … (from /proc, the argument that names the kind). */
  children() {
    const found = new Map();
    for (const pid of fs.readdirSync('/proc').filter((p) => /^\d+$/.test(p))) {
      try {
        const parent = /\nPPid:\t(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        if (Number(parent) !== this.child.pid) continue;
        const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(1);
        found.set(words.filter((w) => /^(gateway|worker|\d+)$/.test(w)).join(' '), Number(pid));
      } catch {
        // it ended meanwhile
      }
    }
    return found;
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
    await this.exited;
  }
}
