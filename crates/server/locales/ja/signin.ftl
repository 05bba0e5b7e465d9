# サインイン、アカウントの選択、アプリケーションへの戻り、サインアウト。

continue-as = { $name } として続ける
other-account = 別のアカウントを使う
pick-account = アカウントを選ぶ
returning = { $app } に戻っています…
returning-title = アプリケーションに戻る
sign-in = サインイン
sign-in-again = もう一度サインイン
sign-in-paused = 試行回数が多すぎます。1 分待ってからもう一度お試しください。
sign-in-wrong = 名前とパスワードが一致しません。
sign-out = サインアウト
sign-out-question = このブラウザーからサインアウトしますか?
sign-out-text = このブラウザーでサインインしている全員がサインアウトされます。
signed-in-ago = サインイン: { $ago }
signed-out = サインアウトしました
signed-out-text = このブラウザーはサインアウトしました。kubectl が保持しているトークンは最長 { $minutes } 分間使えます。`kubelogin remove-tokens` を実行するとそれも終わります。
to-continue = { $app } に進みます
to-continue-device = 別のデバイスで続けます: { $app }
sign-in-keep = このブラウザーでサインインしたままにする
sign-in-passkey = パスキーでサインイン
