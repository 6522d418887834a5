#!/bin/sh
# Prints this developer's Weir key, with the repository, branch and commit of the current directory behind a dot (docs/clients/shim.md).
# With arguments it runs them with that key in their environment, as one session: weir-credential.sh aider --message "Mend the login"
file=${XDG_CONFIG_HOME:-$HOME/.config}/weir/key
IFS= read -r key 2>/dev/null <"$file"
key=${key:-${WEIR_KEY%%.*}}
[ "$key" ] || { echo "No Weir key in $file. Run: weir login" >&2; exit 1; }
encode() { printf '%s\n' "$1" | LC_ALL=C sed -e 's/%/%25/g' -e 's/&/%26/g' -e 's/+/%2B/g' -e 's/ /%20/g'; }
# A remote leaves without user, password, query and fragment; a local path does not leave.
remote=$({ git config remote.origin.url || git config "remote.$(git remote | head -n 1).url"; } 2>/dev/null |
  LC_ALL=C sed -e '/:/!d' -e '/^file:/d' -e '/^[A-Za-z]:/d' -e '/::/d' -e 's|^[^/]*@||' -e 's|//[^/]*@|//|' -e 's/[?#].*//')
labels=${1:+session=$(encode "${1##*/}-$(date +%s)-$$")}
if [ "$remote" ]; then
  branch=$(git symbolic-ref -q HEAD) commit=$(git rev-parse -q --verify HEAD)
  labels="${labels:+$labels&}repo=$(encode "$remote")${branch:+&branch=$(encode "${branch#refs/heads/}")}${commit:+&commit=$commit}"
fi
[ -z "$labels" ] || key=$key.$(printf %s "$labels" | base64 2>/dev/null | tr '/+' '_-' | tr -d '=\n') && key=${key%.}
[ $# -gt 0 ] || { printf '%s\n' "$key"; exit; }
export WEIR_KEY="$key" OPENAI_API_KEY="$key" ANTHROPIC_AUTH_TOKEN="$key" AIDER_OPENAI_API_KEY="$key" AIDER_ANTHROPIC_API_KEY="$key"
exec "$@"
