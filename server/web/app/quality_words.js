// server/web/app/quality_words.js: how good somebody's connection is, as icon and words, as the server judges it; of one's own
// the browser measures, too, and the worse counts.

import { text } from './i18n.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('./tile.js').Participant} Participant */
/** @typedef {'excellent' | 'good' | 'fair' | 'poor' | 'lost'} Shown best first */

const GRADES = /** @type {const} */ (['excellent', 'good', 'fair', 'poor', 'lost']);
const ICONS = { excellent: 'signal-good', good: 'signal-good', fair: 'signal-fair', poor: 'signal-poor', lost: 'signal-lost' };

/** @param {Participant} participant @param {Room} room @returns {{grade: Shown, icon: string, words: string, weak: boolean} | null} null: nobody knows yet */
export function qualityOf(participant, room) {
  const { quality } = participant;
  const own = participant === room.localParticipant;
  // The browser cannot tell what was lost before the server from what was lost after it.
  const ours = own && quality?.cause !== 'otherUplink';
  const said = [quality?.uplink, quality?.downlink, ours ? room.connectionQuality : undefined];
  const known = Math.max(...said.map((grade) => GRADES.findIndex((g) => g === grade)));
  if (known < 0) return null;
  // Good, but less than it could be, and the server knows why: that is worth a word.
  const blamed = quality && ['uplink', 'downlink', 'device'].includes(quality.cause);
  const worst = GRADES[known] === 'good' && blamed ? GRADES.indexOf('fair') : known;
  const grade = GRADES[worst];
  const weak = worst >= GRADES.indexOf('fair');
  const cause = weak && grade !== 'lost' && quality && quality.cause !== 'none' ? text(`quality.cause.${quality.cause}`) : '';
  return { grade, icon: ICONS[grade], words: [text(`quality.${grade}`), cause].filter(Boolean).join(': '), weak };
}
