#!/usr/bin/env bash
# Makes the SDK a package for applications: its modules as they are, TypeScript declarations from their JSDoc, package.json.
# usage: server/web/sdk_package.sh [--pack FILE.tgz] FOLDER    needs Node.js and `npm ci` in tests/browser
#   --pack: also as one file that `npm install` takes; the server serves it as /sdk/consilium-client.tgz
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
pack=
[ "${1:-}" != --pack ] || { pack=$(realpath -m "$2"); shift 2; }
[ $# -eq 1 ] || { sed -n 's/^# //p' "$0" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
tsc=$top/tests/browser/node_modules/typescript/bin/tsc
[ -e "$tsc" ] || { echo "$0: no TypeScript compiler: run npm ci in tests/browser" >&2; exit 1; }

cp "$top"/server/web/sdk/*.js "$top"/LICENSE "$out"
cd "$out" # so that no @types of this repository are drawn in
node "$tsc" --allowJs --checkJs --strict --declaration --emitDeclarationOnly --target ES2023 --module ES2022 \
  --moduleResolution bundler --lib ES2023,DOM,DOM.Iterable,DOM.AsyncIterable --outDir "$out" "$top"/server/web/sdk/consilium.js
version=$(sed -n 's/^project(consilium VERSION \([0-9.]*\).*/\1/p' "$top"/CMakeLists.txt)
cat >"$out"/package.json <<END
{
  "name": "consilium-client",
  "version": "$version",
  "description": "Client of the Consilium media server: rooms, cameras, screens, chat and data in the browser",
  "type": "module",
  "sideEffects": false,
  "exports": {".": {"types": "./consilium.d.ts", "default": "./consilium.js"}},
  "types": "./consilium.d.ts"
}
END
[ -n "$pack" ] || exit 0
# The same sources, the same bytes.
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --transform='s,^\.,package,' -C "$out" -cf - . | gzip -n >"$pack.part"
mv "$pack.part" "$pack"
