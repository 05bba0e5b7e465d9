# Anmelden, Konto wählen, zurück zur Anwendung, abmelden.

continue-as = Weiter als { $name }
other-account = Ein anderes Konto verwenden
pick-account = Konto wählen
returning = Zurück zu { $app } …
returning-title = Zurück zur Anwendung
sign-in = Anmelden
sign-in-again = Wieder anmelden
sign-in-paused = Zu viele Versuche. Warten Sie eine Minute und versuchen Sie es dann noch einmal.
sign-in-wrong = Name und Passwort passen nicht zusammen.
sign-out = Abmelden
sign-out-question = In diesem Browser abmelden?
sign-out-text = Alle, die in diesem Browser angemeldet sind, werden abgemeldet.
signed-in-ago = angemeldet { $ago }
signed-out = Sie sind abgemeldet
signed-out-text =
    { $minutes ->
        [one] Dieser Browser ist abgemeldet. Ein Token, das kubectl noch hat, kann bis zu { $minutes } Minute gelten; `kubelogin remove-tokens` beendet auch das.
       *[other] Dieser Browser ist abgemeldet. Ein Token, das kubectl noch hat, kann bis zu { $minutes } Minuten gelten; `kubelogin remove-tokens` beendet auch das.
    }
to-continue = um fortzufahren mit { $app }
to-continue-device = um auf einem anderen Gerät fortzufahren: { $app }
sign-in-keep = In diesem Browser angemeldet bleiben
sign-in-passkey = Mit einem Passkey anmelden
