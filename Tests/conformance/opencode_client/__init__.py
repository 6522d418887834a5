"""OpenCode's side of the wire, in both versions: how it reads answers, which errors it tries again, and which configuration it
takes. A model of the clients' own rules (read in their sources, told in our words), so that a test can say "OpenCode would refuse
this" without an OpenCode. `docs/clients/opencode.md` says what this cannot show."""
