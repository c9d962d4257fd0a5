// tests/system/lib/hostile_names.mjs: names that somebody might think of: good text that must come through as it is, however
// ugly, and text that nobody may see.

const point = (code) => String.fromCodePoint(code);

const MARKUP = [
  '<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '"><svg/onload=alert(1)>', "'><iframe srcdoc='<script>alert(1)</script>'>", 'javascript:alert(1)',
  '<a href="javascript:alert(1)">Dr. Lee</a>', '</title><script>alert(1)</script>', '</textarea><b>', '<!--', '-->', ']]>', '<![CDATA[x]]>', '<math><mi//xlink:href="data:x,<script>alert(4)</script>">',
  '<template><script>alert(1)</script></template>', '<style>*{display:none}</style>', '<base href=//evil.example>', '<meta http-equiv=refresh content=0>', '<form action=//evil.example><input>', '<video><source onerror=alert(1)>',
  '&lt;b&gt;', '&#60;b&#62;', '&amp;amp;', '<b', '>', '`', '"', "'", '\\', '\\"', '\\u003cscript\\u003e', '%3Cscript%3E', '<SCRIPT\u00a0SRC=//evil.example>', '＜script＞', '<svg><animate onbegin=alert(1)>',
];
const OTHER_LANGUAGES = [
  '{{7*7}}', '${7*7}', '<%= 7*7 %>', '#{7*7}', '{% raw %}', "'; DROP TABLE rooms; --", "' OR '1'='1", '$(reboot)', '`reboot`', '; rm -rf /', '| cat /etc/passwd', '%s%s%s%n', '%x%x%x', '%d', '../../etc/passwd', '..\\..\\win.ini', '/dev/null',
  'file:///etc/passwd', '*', '?', '-', '--help', '=1+1', '@SUM(A1)', '+1', 'NULL', 'null', 'undefined', 'NaN', 'true', '0', '-1', '1e999', '[object Object]', '[]', '{}', '{"role":"admin"}', '","role":"doctor","x":"', '__proto__', 'constructor',
  'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'p_0a1b2c3d4e5f60718293a4b5c6d7e8f9', 'You', 'Server', 'admin', 'Content-Length: 0', 'x="y" 1', '\\n# HELP x', 'room{a="b"} 1',
];
const SCRIPTS = [
  'שלום', 'مرحبا بالعالم', 'Dr. שלום Lee', `a${point(0x200f)}b`, `a${point(0x200e)}b`, point(0x200b), `Dr.${point(0x200b)}Lee`, point(0x200d), point(0xfeff), point(0x00ad), point(0x2060), point(0x180e), point(0x3164), point(0xa0), ' ', '   ', 'e\u0301', `e${'\u0301'.repeat(100)}`,
  '\u0489'.repeat(60), 'Ｄｒ．Ｌｅｅ', 'Dr. Lее', 'ΑΒΓ', '医生', '김의사', 'ด็็็็็็็็็็', '👩‍⚕️', '👨‍👩‍👧‍👦', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '🇨🇭', point(0x1f4a9).repeat(64), 'ﷺ', 'ﷺ'.repeat(85), '𝕯𝖗. 𝕷𝖊𝖊', point(0xe000), point(0xfffd), point(0xfffe), point(0xffff), point(0x10ffff), point(0x1d173), point(0xe0041),
  'i̇', 'ß', 'ı', 'K', 'ǅ', '\u00ff', 'x'.repeat(256), 'é'.repeat(128), '医'.repeat(85), '"'.repeat(256), '\\'.repeat(256), '<'.repeat(256), '&'.repeat(256),
];

/** 1 to 256 bytes, no controls: everybody must get exactly this. */
export const SHOWN = [...MARKUP, ...OTHER_LANGUAGES, ...SCRIPTS];

/** Controls, what turns the writing direction of the text around it, and what is too long: `bad_request`. */
export const REFUSED = [
  ...Array.from({ length: 0x20 }, (_, i) => i).filter((c) => c).map((c) => `Dr.${point(c)}Lee`),
  ...Array.from({ length: 0x21 }, (_, i) => `Dr.${point(0x7f + i)}Lee`),
  ...[0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069, 0x2028, 0x2029].map((c) => `Dr.${point(c)}eeL`),
  '', 'x'.repeat(257), 'é'.repeat(129), '医'.repeat(86), point(0x1f4a9).repeat(65), 'x'.repeat(2000),
];

/** As it stands in the JSON text: no Unicode at all, or NUL: `bad_message`. */
export const NO_TEXT = ['\\u0000', 'Dr.\\u0000Lee', '\\ud800', '\\udc00', 'x\\ud800y', '\\udc00\\ud800', '\\ud800\\ud800', '\\uDBFF'];

/** Bytes that are no UTF-8: overlong, cut short, a surrogate, beyond the last code point, a lone continuation. */
export const NO_UTF8 = [[0xc0, 0xaf], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80], [0xff]];
