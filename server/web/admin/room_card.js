// server/web/admin/room_card.js: one room on the admin page: its people and, for each, what is sent and received.

import { make } from '../app/dom.js';
import { number, text, timeOfDay } from '../app/i18n.js';
import { TopologyLog } from './history.js';
import { fillRows, follow, setText } from './keyed.js';
import { Plots } from './plots.js';

/** @typedef {{room: string, participants: number, hidden: number, tracks: number, locked: boolean, topology: string, createdAt: number}} Summary */
/** @typedef {{rid: string, live: boolean, codec: string, bitrateBps: number, lossFraction: number, width: number, height: number, fps: number}} Received */
/** @typedef {{mid: string, layer: string, bitrateBps: number, lossFraction: number, rttUs: number}} Sent */
/** @typedef {{track: string, source: string, kind: string, muted: boolean, layersWanted?: string[], received?: Received[]}} Track */
/** @typedef {{participant: string, identity: string, name: string, role: string, connected: boolean, hidden: boolean, tracks: Track[],
 *   slots: {mid: string, participant: string | null, source: string | null}[], sent?: Sent[],
 *   transport: string | {state: string, rttUs: number}}} Person */
/** @typedef {{remove: (room: string, person: Person) => void, close: (room: string) => void, opened: () => void}} Actions */

/** More than this is shown as bad. */
const BAD_LOSS = 0.03;
const BAD_RTT_US = 300_000;

/** What a card keeps beside its elements. @type {WeakMap<HTMLElement, TopologyLog>} */
const topologies = new WeakMap();
/** @type {WeakMap<HTMLElement, Plots>} */
const plots = new WeakMap();

/** @param {Summary} summary @param {Actions} actions @returns {HTMLElement} */
export function roomCard(summary, actions) {
  const close = make('button', 'outline-danger', text('admin.close'));
  close.type = 'button';
  close.dataset.action = 'close';
  close.onclick = () => actions.close(summary.room);
  const card = make('details', 'admin-room',
    make('summary', '', make('h2', '', summary.room), make('span', 'room-facts')),
    make('div', 'admin-room-body', make('p', 'topologies hint'), make('p', 'direct-note hint', text('admin.directNote')), make('div', 'people'), make('div', 'admin-actions', close)));
  topologies.set(card, new TopologyLog());
  card.dataset.room = summary.room;
  card.ontoggle = actions.opened;
  return card;
}

/** @param {HTMLElement} card @param {Summary} summary */
export function updateSummary(card, summary) {
  const facts = [text('admin.roomSummary', {
    people: summary.participants, tracks: summary.tracks, topology: text(`admin.topology.${summary.topology}`), time: timeOfDay(summary.createdAt),
  })];
  if (summary.hidden > 0) facts.push(text('admin.hidden', { count: summary.hidden }));
  if (summary.locked) facts.push(text('admin.locked'));
  setText(card.querySelector('.room-facts'), facts.join(' · '));
  /** @type {HTMLElement} */ (card.querySelector('.direct-note')).hidden = summary.topology !== 'p2p';
  const log = /** @type {TopologyLog} */ (topologies.get(card));
  if (log.take(summary.topology)) {
    const changes = log.changes.map(({ at, topology }, i) => (i === 0 ? text(`admin.topology.${topology}`) : text('admin.change', { time: exactTime(at), topology: text(`admin.topology.${topology}`) })));
    setText(card.querySelector('.topologies'), text('admin.topologies', { list: changes.join(' → ') }));
  }
}

/** @param {HTMLElement} card @param {string} room @param {Person[]} people @param {Actions} actions */
export function updatePeople(card, room, people, actions) {
  const list = /** @type {HTMLElement} */ (card.querySelector('.people'));
  follow(list, people, (p) => p.participant, (p) => personCard(room, p, actions), (element, p) => updatePerson(element, p, people));
}

/** @param {string} room @param {Person} person @param {Actions} actions */
function personCard(room, person, actions) {
  const remove = make('button', 'outline-danger', text('admin.remove'));
  remove.type = 'button';
  remove.dataset.action = 'remove';
  remove.onclick = () => actions.remove(room, person);
  remove.setAttribute('aria-label', `${text('admin.remove')}: ${person.name}`);
  const card = make('section', 'admin-person',
    make('div', 'admin-person-head', make('h3'), make('span', 'facts'), make('span', 'spacer'), remove),
    make('div', 'admin-tables',
      table('sends', 'admin.media', ['admin.source', 'admin.layers', 'admin.codec', 'admin.bitrate', 'admin.lossHead', 'admin.picture']),
      table('receives', 'admin.received', ['admin.from', 'admin.source', 'admin.layers', 'admin.bitrate', 'admin.lossHead', 'admin.rttHead'])));
  card.dataset.participant = person.participant;
  const drawn = new Plots();
  plots.set(card, drawn);
  card.append(drawn.element);
  return card;
}

/** @param {string} name @param {string} title @param {string[]} heads */
function table(name, title, heads) {
  const row = make('tr');
  for (const key of heads) {
    const head = make('th', '', text(key));
    head.scope = 'col';
    row.append(head);
  }
  const scroll = make('div', 'table-scroll', make('table', name, make('caption', '', text(title)), make('thead', '', row), make('tbody')));
  scroll.tabIndex = 0; // what scrolls must be reachable with the keyboard
  scroll.setAttribute('role', 'group');
  scroll.setAttribute('aria-label', text(title));
  return scroll;
}

/** @param {HTMLElement} card @param {Person} person @param {Person[]} people */
function updatePerson(card, person, people) {
  setText(card.querySelector('h3'), person.name);
  setText(card.querySelector('.facts'), facts(person).join(' · '));
  fillRows(/** @type {HTMLTableSectionElement} */ (card.querySelector('.sends tbody')), sendRows(person));
  fillRows(/** @type {HTMLTableSectionElement} */ (card.querySelector('.receives tbody')), receiveRows(person, people));
  const drawn = /** @type {Plots} */ (plots.get(card));
  drawn.history.take(person, people, ({ source, from }) => (from === null ? text('admin.sends', { source: text(`source.${source}`) }) : text('admin.gets', { name: from, source: text(`source.${source}`) })));
  drawn.draw();
}

/** @param {number} at */
const exactTime = (at) => new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: 'medium' }).format(at);


/** @param {Person} person */
function facts({ role, identity, transport, connected, hidden }) {
  const state = typeof transport === 'string' ? transport : transport.state;
  const list = [text(`role.${role}`), identity, text(`admin.state.${state}`)];
  if (typeof transport === 'object' && transport.rttUs > 0) list.push(milliseconds(transport.rttUs));
  if (!connected) list.push(text('admin.signalLost'));
  if (hidden) list.push(text('admin.invisible'));
  return list;
}

/** @param {Person} person */
function sendRows({ tracks }) {
  const rows = tracks.flatMap((track) => {
    const source = text(`source.${track.source}`) + (track.muted ? ` (${text('admin.muted')})` : '');
    const layers = track.received ?? [];
    if (layers.length === 0) return [{ key: track.track, cells: [source, '', '', '', '', ''], silent: true }];
    return layers.map((l) => ({
      key: `${track.track} ${l.rid}`,
      cells: [source, l.rid, l.codec, kilobits(l.bitrateBps), loss(l.lossFraction), track.kind === 'video' ? picture(l) : ''],
      silent: track.muted || !l.live,
    }));
  });
  return rows.length > 0 ? rows : [{ key: 'none', cells: [text('admin.noTracks'), '', '', '', '', ''], silent: true }];
}

/** @param {Person} person @param {Person[]} people */
function receiveRows({ sent = [], slots }, people) {
  const rows = sent.map((flow) => {
    const slot = slots.find((s) => s.mid === flow.mid);
    const from = people.find((p) => p.participant === slot?.participant)?.name ?? '';
    const rtt = { words: milliseconds(flow.rttUs), bad: flow.rttUs > BAD_RTT_US };
    return {
      key: flow.mid,
      cells: [from, slot?.source ? text(`source.${slot.source}`) : '', flow.layer, kilobits(flow.bitrateBps), loss(flow.lossFraction), rtt],
    };
  });
  return rows.length > 0 ? rows : [{ key: 'none', cells: [text('admin.noTracks'), '', '', '', '', ''], silent: true }];
}

/** @param {number} bps */
const kilobits = (bps) => text('admin.kbps', { kbps: Math.round(bps / 1000) });

/** @param {number} us */
const milliseconds = (us) => text('admin.rtt', { ms: Math.round(us / 100) / 10 });

/** @param {number} fraction */
function loss(fraction) {
  return { words: number(fraction, { style: 'percent', maximumFractionDigits: 1 }), bad: fraction > BAD_LOSS };
}

/** @param {Received} layer */
const picture = ({ width, height, fps }) => `${text('admin.size', { width: String(width), height: String(height) })}, ${text('admin.fps', { fps: Math.round(fps) })}`;
