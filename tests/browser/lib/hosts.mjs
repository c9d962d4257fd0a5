// tests/browser/lib/hosts.mjs: a network on one machine: the server's host and two clients' hosts, each in a namespace of its
// own, whose packets to one another pass the server's host, where a rule can stop them.
//
//   a 11.0.1.2 ── 11.0.1.1 [ server ] 11.0.2.1 ── 11.0.2.2 b
//
// The addresses are public ones (nothing routes them here), because coturn.conf relays to no private address.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const CLIENTS = { a: 1, b: 2 };

/** Whether this machine lets us: root, with iproute2 and iptables. @returns {string | false} why not, for a test's `skip` */
export function cannot(...programs) {
  if (process.getuid() !== 0) return 'needs root';
  for (const program of ['ip', 'iptables', ...programs]) {
    if (spawnSync('sh', ['-c', `command -v ${program}`], { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } }).status !== 0) return `needs ${program}`;
  }
  const probe = `consilium-probe-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', probe]).status !== 0) return 'needs network namespaces';
  spawnSync('ip', ['netns', 'del', probe]);
  return false;
}

export class Hosts {
  /** Where all find the server, and its name there: Firefox speaks TLS only to relays that have one. */
  address = '11.0.1.1';
  relayName = 'turn.clinic.example';
  #prefix = `c${process.pid}`;
  #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'consilium-hosts-'));

  constructor() {
    for (const host of ['server', ...Object.keys(CLIENTS)]) {
      this.#ip('netns', 'add', this.name(host));
      fs.mkdirSync(this.#etc(host), { recursive: true });
      fs.writeFileSync(path.join(this.#etc(host), 'hosts'), `127.0.0.1 localhost\n${this.address} ${this.relayName}\n`);
      // An IPv6 address that comes up by itself a second later is a change of network, for which Chromium drops what it loads.
      this.run(host, 'sh', '-c', 'for i in all default; do f=/proc/sys/net/ipv6/conf/$i/disable_ipv6; [ ! -e $f ] || echo 1 >$f; done');
    }
    this.#ip('-n', this.name('server'), 'link', 'set', 'lo', 'up');
    for (const [host, n] of Object.entries(CLIENTS)) {
      const [name, link] = [this.name(host), `${this.#prefix}${host}`];
      this.#ip('link', 'add', `${link}0`, 'netns', this.name('server'), 'type', 'veth', 'peer', 'name', `${link}1`, 'netns', name);
      this.#ip('-n', this.name('server'), 'addr', 'add', `11.0.${n}.1/24`, 'dev', `${link}0`);
      this.#ip('-n', name, 'addr', 'add', `11.0.${n}.2/24`, 'dev', `${link}1`);
      for (const [ns, dev] of [[this.name('server'), `${link}0`], [name, `${link}1`], [name, 'lo']]) this.#ip('-n', ns, 'link', 'set', dev, 'up');
      this.#ip('-n', name, 'route', 'add', 'default', 'via', `11.0.${n}.1`);
    }
    this.run('server', 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
  }

  /** @param {string} host */
  name(host) {
    return `${this.#prefix}-${host}`;
  }

  /** What `ip netns exec` puts in place of the files of /etc. @param {string} host */
  #etc(host) {
    return `/etc/netns/${this.name(host)}`;
  }

  #ip(...args) {
    execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  /** Runs a command on a host to its end. @returns {string} its output */
  run(host, ...command) {
    return execFileSync('ip', ['netns', 'exec', this.name(host), ...command], { encoding: 'utf8' });
  }

  /** Words to put before a command that shall run there. */
  prefix(host) {
    return ['ip', 'netns', 'exec', this.name(host)];
  }

  /** @param {string} host @param {string[]} command */
  start(host, ...command) {
    const [program, ...args] = [...this.prefix(host), ...command];
    return spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** The clients reach one another no more (or again): silently, as a firewall does it. @param {boolean} on */
  block(on) {
    this.run('server', 'iptables', on ? '-A' : '-D', 'FORWARD', '-j', 'DROP');
  }

  /** Nothing gets to this port of the server's host any more (or again), as behind a firewall. @param {'udp' | 'tcp'} protocol @param {number} port @param {boolean} on */
  shut(protocol, port, on) {
    this.run('server', 'iptables', on ? '-A' : '-D', 'INPUT', '-p', protocol, '--dport', String(port), '-j', 'DROP');
  }

  /** A program that starts `executable` on a host, for what takes only a path. @param {string} host @param {string} executable */
  wrapper(host, executable) {
    const file = path.join(this.#folder, `${host}-${path.basename(executable)}`);
    const inside = `ip netns exec ${this.name(host)}`;
    const forward = new URL('./forward.mjs', import.meta.url).pathname;
    // Chromium is driven by a pipe; Firefox by a port, which is the host's own.
    const run = /firefox/.test(executable) ? `${process.execPath} ${forward} '${inside}' ${file}.socket ${executable}` : `${inside} ${executable}`;
    fs.writeFileSync(file, `#!/bin/sh\nexec ${run} "$@"\n`, { mode: 0o755 });
    return file;
  }

  /** An authority of this test's own and a certificate of the relay's name and address that it signed. @returns {{authority: string, certificate: string, key: string}} files */
  #certificates() {
    const [authority, authorityKey, certificate, key, request, extensions] =
      ['authority.pem', 'authority-key.pem', 'certificate.pem', 'key.pem', 'request.pem', 'extensions'].map((name) => path.join(this.#folder, name));
    const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    openssl('req', '-x509', ...made, '-days', '2', '-subj', '/CN=Authority of a test', '-addext', 'keyUsage=critical,keyCertSign', '-keyout', authorityKey, '-out', authority);
    openssl('req', ...made, '-subj', '/CN=turn', '-keyout', key, '-out', request);
    fs.writeFileSync(extensions, `subjectAltName=DNS:${this.relayName},IP:${this.address}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n`);
    openssl('x509', '-req', '-in', request, '-CA', authority, '-CAkey', authorityKey, '-CAcreateserial', '-days', '2', '-extfile', extensions, '-out', certificate);
    return { authority, certificate, key };
  }

  /** coturn on the server's host, with the settings of conf/coturn.conf and a certificate that only `authority` vouches for. @param {string} secret */
  async startTurn(secret) {
    const { authority, certificate, key } = this.#certificates();
    const settings = fs.readFileSync(new URL('../../../conf/coturn.conf', import.meta.url), 'utf8')
      .replace(/^static-auth-secret=.*$/m, `static-auth-secret=${secret}`)
      .replace(/^(cert|pkey|syslog|no-stdout-log).*$/gm, '')
      .concat(`\nlistening-ip=${this.address}\nrelay-ip=${this.address}\ncert=${certificate}\npkey=${key}\nlog-file=stdout\nverbose\npidfile=${this.#folder}/turn.pid\nuserdb=${this.#folder}/turn.db\n`);
    const file = path.join(this.#folder, 'coturn.conf');
    fs.writeFileSync(file, settings, { mode: 0o600 });
    const turn = this.start('server', 'turnserver', '-c', file);
    let log = '';
    turn.stderr.resume();
    await new Promise((resolve, reject) => {
      turn.stdout.on('data', (data) => {
        log += data;
        if (/listener opened on *: *11\.0\.1\.1:3478/i.test(log)) resolve();
      });
      once(turn, 'exit').then(() => reject(new Error(`coturn ended:\n${log.slice(-2000)}`)));
    });
    return { authority, log: () => log, stop: () => turn.kill() };
  }

  close() {
    for (const host of ['server', ...Object.keys(CLIENTS)]) {
      spawnSync('ip', ['netns', 'del', this.name(host)]);
      fs.rmSync(this.#etc(host), { recursive: true, force: true });
    }
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}
