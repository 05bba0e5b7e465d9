# Die eigene Seite einer Person.
