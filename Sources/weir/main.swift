import Commands

await runWeir()
