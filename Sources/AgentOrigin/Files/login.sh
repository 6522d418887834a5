#!/bin/sh
# Logs this machine in to a Weir gateway (RFC 8628): shows a code, waits for its approval, then prints the virtual key.
#   sh login.sh https://gateway.example
# The key is all that goes to standard output; what a person reads goes to standard error, or to the terminal.
set -eu
gateway=${1:?usage: sh login.sh https://gateway.example}

say() {
    if [ ! -t 2 ] && (: >/dev/tty) 2>/dev/null; then printf '%s\n' "$*" >/dev/tty; else printf '%s\n' "$*" >&2; fi
}
# Codes go to curl by its standard input, where no list of processes shows them.
post() { printf '%s' "$2" | curl -sS -g --max-time 30 -H 'Accept: application/json' -d @- "$gateway$1"; }
text() { printf '%s' "$answer" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
number() { printf '%s' "$answer" | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"; }

answer=$(post /device/code "client_id=opencode") || { say "Cannot reach $gateway."; exit 1; }
device=$(text device_code)
interval=$(number interval)
left=$(number expires_in)
if [ -z "$device" ] || [ -z "$interval" ] || [ -z "$left" ]; then
    say "No login at $gateway: $(text error_description)"
    exit 1
fi
say "To log in to $gateway, open:"
say "    $(text verification_uri_complete)"
say "Check that it shows the code $(text user_code), and enter your invitation there, or tell the code to an administrator."

while [ "$left" -gt 0 ]; do
    sleep "$interval"
    left=$((left - interval))
    answer=$(post /device/token "grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=$device") || continue
    key=$(text access_token)
    if [ -n "$key" ]; then
        say "Logged in."
        printf '%s\n' "$key"
        exit 0
    fi
    case $(text error) in
        authorization_pending) ;;
        slow_down) interval=$((interval + 5)) ;;
        *) say "Not logged in: $(text error_description)"; exit 1 ;;
    esac
done
say "Not logged in: nobody approved the code in time."
exit 1
