#!/usr/bin/env bash
# Makes the keys of the tests again, with OpenSSL 3. They open nothing but these tests. The password is `open sesame ü`.
set -euo pipefail
cd "$(dirname "$0")"
rm -f ./*.pem ./*.pfx
password='open sesame ü'
certificate() { openssl req -x509 -new -key "$1" -subj "/CN=$2" -days 36500 -out "$3" 2>/dev/null; }

openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key
certificate rsa.key rsa rsa.crt
for curve in 256 384 521; do
  openssl genpkey -quiet -algorithm EC -pkeyopt "ec_paramgen_curve:P-$curve" -out "ec$curve.key"
  certificate "ec$curve.key" "ec$curve" "ec$curve.crt"
  { openssl ec -in "ec$curve.key" 2>/dev/null; cat "ec$curve.crt"; } > "sec1-$curve.pem"
  cat "ec$curve.key" "ec$curve.crt" > "pkcs8-ec$curve.pem"
done
cat rsa.crt rsa.key > pkcs8-rsa.pem
{ openssl rsa -in rsa.key -traditional 2>/dev/null; cat ec256.crt rsa.crt; } > pkcs1-rsa.pem
{ openssl ecparam -name prime256v1; openssl ec -in ec256.key 2>/dev/null; cat ec256.crt; } > sec1-with-parameters.pem
encrypted() { { openssl pkcs8 -topk8 -in "$2.key" -passout "pass:$password" "${@:3}"; cat "$2.crt"; } > "encrypted-$1.pem"; }
encrypted default rsa
encrypted aes128-sha1 rsa -v2 aes-128-cbc -v2prf hmacWithSHA1
encrypted aes192-sha384 ec384 -v2 aes-192-cbc -v2prf hmacWithSHA384
encrypted aes256-sha512 ec521 -v2 aes-256-cbc -v2prf hmacWithSHA512
encrypted des3 ec256 -v2 des3
encrypted scrypt ec256 -scrypt
{ openssl rsa -in rsa.key -traditional -aes128 -passout "pass:$password" 2>/dev/null; cat rsa.crt; } > encrypted-old-style.pem

bundle() { openssl pkcs12 -export -inkey "$2.key" -in "$2.crt" -certfile rsa.crt -passout "pass:$3" -out "$1.pfx" "${@:4}"; }
bundle modern-rsa rsa "$password"
bundle modern-ec256 ec256 "$password"
bundle modern-sha512 ec384 "$password" -macalg sha512 -certpbe aes-128-cbc -keypbe aes-192-cbc
bundle old rsa "$password" -legacy
bundle old-des3 ec521 "$password" -legacy -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES
bundle old-rc2-128 rsa "$password" -legacy -certpbe PBE-SHA1-RC2-128
bundle open rsa '' 
bundle open-old rsa '' -legacy
bundle no-sum rsa "$password" -nomac
bundle plain rsa "$password" -keypbe NONE -certpbe NONE
rm -f ./*.key ./*.crt
