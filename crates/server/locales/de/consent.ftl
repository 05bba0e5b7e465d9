# Die Frage, ob eine Anwendung für eine Person handeln darf.
