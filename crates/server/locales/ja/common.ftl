# 多くのページで使う言葉。

account = 職場のアカウント
continue = 続ける
copied = コピーしました
copy-details = 詳細をコピー
demo = これはこのコンピューター上のデモです。登場する人、パスワード、クラスターは架空のもので、ここからしか使えません。
help = ヘルプ
just-now = 1 分以内
minutes-ago = { $minutes } 分前
hours-ago = { $hours } 時間前
days-ago = { $days } 日前
kubernetes-sign-in = Kubernetes へのサインイン (AKS クライアント)
next = 次へ
password = パスワード
