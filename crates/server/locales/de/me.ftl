# Die eigene Seite einer Person.

language-de = Deutsch
language-en = English
language-ja = 日本語
me-add-passkey = Passkey hinzufügen
me-added = eingerichtet { $ago }
me-back = Zurück zu Ihrem Konto
me-began = angemeldet { $ago }
me-change = Umbenennen oder entfernen
me-codes = Wiederherstellungscodes
me-codes-left =
    { $left ->
        [one] Sie haben noch { $left } Code.
       *[other] Sie haben noch { $left } Codes.
    }
me-codes-new = Neue Wiederherstellungscodes machen
me-codes-none = Sie vertreten einen zweiten Faktor; richten Sie zuerst einen ein.
me-current = dieser Browser
me-done-added = Der zweite Faktor ist eingerichtet.
me-done-codes = Die neuen Wiederherstellungscodes gelten, die alten nicht mehr.
me-done-ended = Beendet. Nichts davon gilt mehr.
me-done-password = Ihr Passwort ist geändert. Überall sonst sind Sie abgemeldet.
me-done-preferences = Für diesen Browser gespeichert.
me-done-removed = Der zweite Faktor ist entfernt.
me-done-renamed = Der Passkey hat seinen neuen Namen.
me-done-withdrawn = Zurückgenommen. Die Anwendung erhält nichts Neues mehr in Ihrem Namen.
me-end = Beenden
me-end-all = Alle außer diesem Browser beenden
me-end-current = Hier abmelden
me-grants = Was Sie Anwendungen erlaubt haben
me-grants-hint = Was Sie zurücknehmen, gibt der Anwendung nichts Neues mehr; was sie noch hat, endet innerhalb einer Stunde von selbst.
me-language = Sprache
me-language-auto = Wie der Browser es vorzieht
me-never-used = noch nie verwendet
me-no-grants = Sie haben keiner Anwendung etwas erlaubt. Was Ihre Organisation erlaubt hat, steht hier nicht.
me-no-passkeys = Sie haben keinen Passkey.
me-no-totp = Sie haben keine Authenticator-App.
me-passkey-alarmed = gesperrt: es könnte eine Kopie geben
me-passkeys = Passkeys
me-passkeys-hint = Ein Passkey meldet Sie ohne Passwort an und zählt als beide Faktoren.
me-place-browser = Browser
me-place-device = Gerätecode
me-place-password = Passwort, von einem Programm gesendet
me-preferences = Sprache und Farben
me-remove = Entfernen
me-remove-last = Es ist der letzte. Ohne ihn genügt Ihr Passwort allein, sofern Ihre Organisation nicht mehr verlangt; die Wiederherstellungscodes gehen mit ihm.
me-remove-text = Er meldet Sie dann nicht mehr an.
me-remove-title = Entfernen
me-rename = Umbenennen
me-save = Speichern
me-sessions = Wo Sie angemeldet sind
me-sessions-hint = Browser und Geräte. Was Sie beenden, gilt sofort nicht mehr.
me-theme = Farben
me-theme-auto = Wie das System sie hat
me-theme-dark = Dunkel
me-theme-light = Hell
me-title = Ihr Konto
me-totp = Authenticator-App
me-totp-add = Authenticator-App einrichten
me-totp-name = Authenticator-App
me-totp-remove = Entfernen
me-totp-replace = Ersetzen
me-used = verwendet { $ago }
me-withdraw = Zurücknehmen
