#!/usr/bin/env bash
# Holds the C files to .clang-format and .clang-tidy.
#
#   style.sh format REPOSITORY          every file, seconds
#   style.sh tidy REPOSITORY BUILD      every file that the build compiles, minutes
set -euo pipefail
what=$1 repository=$2
cd "$repository"
mapfile -t files < <(git ls-files '*.c' '*.h')
[ ${#files[@]} -gt 0 ] || { echo "style.sh: no files found: not a checkout?" >&2; exit 1; }
case $what in
  format)
    clang-format --dry-run -Werror "${files[@]}"
    echo "${#files[@]} files formatted as .clang-format says" ;;
  tidy)
    build=$3
    [ -e "$build/compile_commands.json" ] || { echo "style.sh: no compile_commands.json in the build" >&2; exit 1; }
    # Without what only gcc knows, and the flag that clang 14 takes only with another, which gcc does not know; with the assertions,
    # which say what cannot be.
    mkdir -p "$build/tidy"
    sed -E 's/ -(ftrivial-auto-var-init=[a-z]+|flto=auto|ffat-lto-objects|DNDEBUG)//g' "$build/compile_commands.json" >"$build/tidy/compile_commands.json"
    # One file a run: with several, clang-tidy 14 takes the second file's va_list for uninitialized.
    printf '%s\n' "${files[@]}" | grep '\.c$' | while read -r file; do grep -q "/$file\"" "$build/compile_commands.json" && echo "$file"; done |
      xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p "$build/tidy"
    echo "clang-tidy has nothing to say" ;;
  *) echo "style.sh: format or tidy" >&2; exit 2 ;;
esac
