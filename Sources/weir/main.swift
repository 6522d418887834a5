// The executable: everything is in Commands.

import Commands

await runWeir()
