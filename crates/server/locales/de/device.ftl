# Die Anmeldung eines anderen Geräts.

another-device = einem anderen Gerät
approved-text = Sie sind angemeldet. Kehren Sie zu Ihrem Terminal zurück. Diese Seite können Sie schließen.
asked = Angefragt
asked-from = Angefragt von
asks-for = Bittet um
built-in = Eingebaut
choose-no = Wenn Sie nicht gerade selbst einen Befehl in Ihrem Terminal ausgeführt haben, wählen Sie { $no }.
code = Code
code-hint = 9 Buchstaben und Ziffern. Großschreibung, Leerzeichen und Striche spielen keine Rolle.
code-wrong = Dieser Code ist nicht gültig. Codes gelten einmal und verfallen nach 15 Minuten.
codes-paused =
    { $minutes ->
        [one] Zu viele Codes. Warten Sie { $minutes } Minute.
       *[other] Zu viele Codes. Warten Sie { $minutes } Minuten.
    }
compare = vergleichen Sie ihn mit Ihrem Terminal
connect-device = Gerät verbinden
denied-text = Angehalten. Niemand wurde angemeldet, und der Code gilt nicht mehr.
device-asks = Ein Programm auf { $device } möchte als { $user } handeln.
device-warning = Geben Sie nur einen Code ein, den Sie selbst angefordert haben.
device-warning-more = Niemand vom Support und keine E-Mail, kein Chat und keine Einladung zu einer Besprechung gibt Ihnen je einen.
did-you-start = Haben Sie das gestartet?
i-see-this-code = Ich sehe diesen Code jetzt auf meinem eigenen Bildschirm
network-different = anderes Netz
network-risk = Diese Anfrage kommt aus einem anderen Netz: { $address }
network-same = dasselbe Netz wie dieser Browser
network-unknown = Netz nicht bekannt
no = Nein
no-stop = Nein, anhalten
program = Programm
reach-arm = Cluster und andere Ressourcen, die Sie verwalten dürfen
reach-cluster = Kubernetes-API Ihrer Cluster
reach-graph = Personen, Gruppen und Anwendungen im Verzeichnis, soweit Sie dürfen
reach-other = Die Anwendung { $app }
registered = Von Ihren Administratoren registriert
report = Jemand hat mir diesen Code geschickt: melden
reported = Danke. Ihre Administratoren können die Meldung sehen. Der Code gilt nicht mehr.
see-sessions = Ihre Anmeldungen ansehen und beenden
signed-in = Sie sind angemeldet
software = Software
stopped = Angehalten
yes-sign-in = Ja, anmelden
could-reach = Könnte dann erreichen
origin-risk = Dieses Programm hat jemand registriert, der Ihre Organisation nicht verwaltet.
program-on = { $program } auf { $system }
reach-administers = darunter mit Administratorrechten { $clusters }
reach-more = und { $count } weitere
reach-nothing = keinen Cluster
registered-by = Von einem Benutzer registriert: { $name }, { $date }
rights-risk = Sie verwalten Cluster, und es ist nicht bekannt, aus welchem Netz diese Anfrage kommt.
