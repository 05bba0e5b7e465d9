# 問題が起きたときのページ。

about-this-error = このエラーについて
correlation-id = 相関 ID
error-broken = こちら側で問題が起きました
error-code = エラー
error-forgery = フォームがこのページから送られていないか、ページが古すぎます。何も変更していません。
error-generic = 拒否されたサインインには番号が付きます。そのページのリンクから意味を確認できます。
error-method = このアドレスはその種類の要求を受け付けません。
error-none = エラーについて
error-not-found = ここにページはありません
error-not-found-text = このアドレスの先には何もありません。入力の誤りか、古いアドレスかもしれません。
error-sign-in = サインインできませんでした
error-too-many = 要求が多すぎます
request-id = 要求 ID
time = 時刻
what-you-can-do = できること
fixed-by-administrator = 組織の管理者。
fixed-by-application = プログラムを作成または設定する人。
fixed-by-device = 誰でもありません。待つか、新しいコードで終わります。
fixed-by-operator = このサーバーを運用する人。
fixed-by-person = あなた自身。
who-can-fix = 直せる人
