# Die Seite darüber, was schiefging.

about-this-error = Über diesen Fehler
correlation-id = Korrelations-ID
error-broken = Bei uns ist etwas kaputtgegangen
error-code = Fehler
error-forgery = Das Formular kam nicht von dieser Seite, oder die Seite ist zu alt. Nichts wurde geändert.
error-generic = Jede abgelehnte Anmeldung hat eine Nummer. Der Link auf ihrer Seite führt zu dem, was sie bedeutet.
error-method = Diese Adresse nimmt solche Anfragen nicht an.
error-none = Über Fehler
error-not-found = Hier ist keine Seite
error-not-found-text = Die Adresse führt nirgendwohin. Vielleicht ist sie vertippt oder veraltet.
error-sign-in = Wir konnten Sie nicht anmelden
error-too-many = Zu viele Anfragen
request-id = Anfrage-ID
time = Zeit
what-you-can-do = Was Sie tun können
fixed-by-administrator = Jemand, der Ihre Organisation verwaltet.
fixed-by-application = Wer das Programm schreibt oder einstellt.
fixed-by-device = Niemand: Es endet durch Warten oder mit einem neuen Code.
fixed-by-operator = Wer diesen Server betreibt.
fixed-by-person = Sie selbst.
who-can-fix = Wer es beheben kann
