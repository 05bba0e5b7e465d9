# Was viele Seiten sagen.

account = Geschäftliches Konto
continue = Weiter
copied = Kopiert
copy-details = Angaben kopieren
demo = Dies ist eine Vorführung auf diesem Rechner. Ihre Personen, Passwörter und Cluster sind erfunden und nur von hier aus erreichbar.
help = Hilfe
just-now = vor weniger als einer Minute
minutes-ago = vor { $minutes } min
hours-ago = vor { $hours } h
days-ago =
    { $days ->
        [one] vor { $days } Tag
       *[other] vor { $days } Tagen
    }
kubernetes-sign-in = Kubernetes-Anmeldung (AKS-Client)
next = Weiter
password = Passwort
