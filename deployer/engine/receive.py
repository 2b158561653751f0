"""The script by which a host receives a release: unpacked beside others, made whole, verified, and named at last."""

from __future__ import annotations

# `tar -o` is --no-same-owner for GNU and busybox; its complaints count only after the manifest has had its say,
# since a link that cannot be made is a file that is missing. Of all commands only `wait` lets a trap in at
# once. A tar that has just been forked still has our traps, and would lose a TERM: hence KILL.
# Files that are where they were are linked from the base: those that its manifest names, but for those that `drop`
# counts. The same lines are this manifest's last ones; that all are what was meant, its own digest tells.
# What has arrived stays if it was the sender who ended, and not a full disk. The head of a file lies in the part that
# has it, and grows there until the file is whole. Hard links in the stream name what they link as `releases` has it:
# hence the links to folders. Single quotes are few: quoted twice on the way, each takes 17 bytes.
RECEIVE = """\
{prologue}set -u
umask 022
LC_ALL=C; export LC_ALL
root={root} id={id} tmp={tmp} base={base} head={head} from={from_} parts={parts} gone={tmp} linked={linked}
mkdir -p "$root/releases" "$root/shared" || exit 1
[ -d "$root/.deploy" ] || mkdir -m 700 "$root/.deploy" || exit 1
cd "$root/releases" || exit 1
[ ! -e "$id" ] || exit {exists}
rm -rf -- {useless}
left() {{ df "$1" . 2>/dev/null | awk 'END {{ print ($2 + 0 > 0 && $4 ~ /^[0-9]+$/) ? $4 : {plenty} }}'; }}
k=$(left -Pk) n=$(left -Pi)
k=${{k:-{plenty}}} n=${{n:-{plenty}}}
[ "$k" -ge {kilobytes} ] && [ "$n" -ge {inodes} ] || {{ echo "$k $n"; exit {full}; }}
unpacking= early=
leave() {{
  [ -z "$unpacking" ] || kill -s KILL "$!" 2>/dev/null
  wait
  cd "$root/releases" || return
  if [ -n "$early" ] && dd if=/dev/zero of="$tmp/.room" bs=65536 count=1 2>/dev/null; then
    rm -f "$tmp/.room"
    [ -z "$head" ] || [ ! -f "$tmp/project/$head" ] || cat "$tmp/project/$head" >>"$from"
    [ -z "$head" ] || rm -f "$tmp/project/$head"
  else
    rm -rf $gone
  fi
}}
trap leave EXIT
trap 'early=yes; exit 1' HUP INT PIPE TERM
mkdir "$tmp" || exit 1
for one in $linked; do ln -s "../$one" "$tmp/$one" || exit 1; done
exec 3<&0
unpacking=yes
(cd "$tmp" && exec tar -xzpof -) <&3 &
wait "$!"
unpacked=$? unpacking=
for one in $linked; do rm "$tmp/$one"; done
gone="$tmp $parts"
if [ ! -f "$tmp/release.json" ]; then
  [ "$(dd bs=1 count=1 <&3 2>/dev/null | wc -c)" -gt 0 ] || early=yes
  echo 'the stream ended early' >&2
  exit 1
fi
if [ -n "$head" ]; then
  touch -r "$tmp/project/$head" "$from.time" && cat "$tmp/project/$head" >>"$from" && chmod {mode} "$from" \
    && touch -r "$from.time" "$from" && mv -f "$from" "$tmp/project/$head" || exit 1
fi
gone=$tmp
cd "$tmp" || exit 1
{mending}if [ -n "$base" ]; then
  awk "FILENAME == ARGV[1] {{ out[\\$0]; next }} index(\\$0, \\"  {folder}\\") == 65 && !(++n in out)" \
    drop "../$base/manifest" | tee -a manifest | cut -c 67- | tr "\\n" "\\0" |
    (cd "../$base" && xargs -0 -r sh -c "cp -lP --parents \\"\\$@\\" \\"\\$0\\"" "../$tmp") 2>/dev/null
  rm drop || exit 1
fi
echo "{digest}  manifest" | cat - manifest | sha256sum -c >.verified 2>/dev/null ||
  {{ grep -v ': OK$' .verified | head -n {told}; exit {spoiled}; }}
[ "$unpacked" -eq 0 ] || exit 1
rm -f .verified
sync -f . 2>/dev/null || sync
touch manifest || exit 1
cd .. && mv "$tmp" "$id" && rm -rf -- $parts
"""
