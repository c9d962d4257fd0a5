// server/web/app/welcome_view.js: the start page of the development server: people to be, who can call each other, and rooms to
// meet in. A server with real tokens has nothing to offer here: people come with links.

import { find, hueOf, initials, make } from './dom.js';
import { text } from './i18n.js';
import { query } from './link.js';

/** @typedef {import('./link.js').Contact} Contact */

const PEOPLE = [
  { identity: 'doctor', role: 'doctor' },
  { identity: 'second-doctor', role: 'doctor' },
  { identity: 'patient', role: 'patient' },
  { identity: 'interpreter', role: 'interpreter' },
];

/** Whom the people of the start page may call. @returns {Contact[]} */
export function demoContacts() {
  return PEOPLE.map(({ identity }) => ({ identity, name: text(`demo.${identity}`) }));
}

/** @param {{identity: string, role: string}} person */
function link({ identity, role }) {
  const name = text(`demo.${identity}`);
  const face = make('span', 'face', initials(name));
  face.dataset.hue = hueOf(identity);
  face.setAttribute('aria-hidden', 'true');
  const lang = query.get('lang');
  const job = text(`role.${role}`);
  const anchor = make('a', 'person', face, make('span', 'person-name', name), ...(job === name ? [] : [make('span', 'hint', job)]));
  anchor.href = `/?${new URLSearchParams({ lobby: '1', role, identity, name, ...(lang && { lang }) })}`;
  anchor.target = '_blank';
  anchor.dataset.person = identity;
  return make('li', '', anchor);
}

/** @param {boolean} development */
export function fillWelcome(development) {
  find('welcome-dev').hidden = !development;
  find('welcome-lead').textContent = text(development ? 'welcome.lead' : 'welcome.noLink');
  find('welcome-people').replaceChildren(...PEOPLE.map(link));
}
