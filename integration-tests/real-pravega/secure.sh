# shellcheck shell=bash
# TLS and passwords for a real Pravega. Source it behind servers.sh, do not run it.
#
# The command that uses the server finds these variables:
#
#     PRAVEGA_SECURE_CONTROLLER_URI                the address, tls://…
#     PRAVEGA_SECURE_CA                            the certificate of its authority, PEM
#     pravega_client_auth_method and its like      the account of the owner, as Pravega clients read it
#     pravega_client_tls_cert_path                 the same certificate
#
# Everything is made anew for each start and thrown away with it. The password is one that standalone has in its code
# for a store of its own, so no other will do; everybody has it.

SECRET=1111_aaaa
OWNER='admin'
# The options of the server, and the arguments of the probe.
SECURITY_OPTIONS=()
PROBE_AS=()

# The hash that Pravega keeps of the password.
pravega_hash() {
    local source=$1/Hash.java
    cat >"$source" <<'EOF'
import io.pravega.shared.security.crypto.StrongPasswordProcessor;

public final class Hash {
    public static void main(String[] args) throws Exception {
        System.out.println(StrongPasswordProcessor.builder().build().encryptPassword(args[0]));
    }
}
EOF
    java -cp "$JARS/*" "$source" "$SECRET"
}

# keystore ARGS...: keytool on a store with the password.
keystore() {
    keytool -storepass "$SECRET" -keypass "$SECRET" -noprompt "$@" 2>/dev/null
}

# make_certificates FOLDER: an authority, and a server's certificate of it for localhost.
make_certificates() {
    local folder=$1
    keystore -genkeypair -keystore "$folder/ca.jks" -alias ca -keyalg RSA -keysize 2048 -validity 7 \
        -dname CN=Test-CA -ext bc:c
    keystore -exportcert -rfc -keystore "$folder/ca.jks" -alias ca >"$folder/ca.pem"
    keystore -genkeypair -keystore "$folder/server.jks" -storetype JKS -alias server -keyalg RSA -keysize 2048 \
        -validity 7 -dname CN=localhost
    keystore -certreq -keystore "$folder/server.jks" -alias server |
        keystore -gencert -rfc -keystore "$folder/ca.jks" -alias ca -validity 7 \
            -ext san=dns:localhost,ip:127.0.0.1 >"$folder/server.pem"
    keystore -importcert -keystore "$folder/server.jks" -alias ca -file "$folder/ca.pem"
    keystore -importcert -keystore "$folder/server.jks" -alias server -file "$folder/server.pem"
    keystore -importcert -keystore "$folder/trust.jks" -storetype JKS -alias ca -file "$folder/ca.pem"
    # The controller wants the key as PEM, which keytool does not write.
    keytool -importkeystore -srckeystore "$folder/server.jks" -srcstorepass "$SECRET" -srcalias server \
        -destkeystore "$folder/server.p12" -deststoretype PKCS12 -deststorepass "$SECRET" -noprompt 2>/dev/null
    openssl pkcs12 -in "$folder/server.p12" -passin "pass:$SECRET" -nocerts -nodes 2>/dev/null |
        openssl pkcs8 -topk8 -nocrypt >"$folder/server-key.pem"
    printf '%s' "$SECRET" >"$folder/password"
}

# make_secrets WORK: fills WORK/secrets and sets SECURITY_OPTIONS and PROBE_AS.
make_secrets() {
    local folder=$1/secrets hash
    need keytool openssl
    mkdir -p "$folder"
    make_certificates "$folder"
    hash=$(pravega_hash "$folder")
    {
        printf '%s:%s:prn::*,READ_UPDATE;\n' "$OWNER" "$hash"
        printf 'reader:%s:prn::*,READ;\n' "$hash"
        printf 'nobody:%s:prn::/scope:none,READ;\n' "$hash"
    } >"$folder/accounts"
    # shellcheck disable=SC2034 # for those who source this
    SECURITY_OPTIONS=(
        -Dsinglenode.security.auth.enable=true
        -Dsinglenode.security.auth.credentials.username="$OWNER"
        -Dsinglenode.security.auth.credentials.pwd="$SECRET"
        -Dsinglenode.security.auth.pwdAuthHandler.accountsDb.location="$folder/accounts"
        -Dsinglenode.security.tls.enable=true
        -Dsinglenode.security.tls.privateKey.location="$folder/server-key.pem"
        -Dsinglenode.security.tls.certificate.location="$folder/server.pem"
        -Dsinglenode.security.tls.keyStore.location="$folder/server.jks"
        -Dsinglenode.security.tls.keyStore.pwd.location="$folder/password"
        -Dsinglenode.security.tls.trustStore.location="$folder/trust.jks"
    )
    # shellcheck disable=SC2034 # for those who source this
    PROBE_AS=("$folder/ca.pem" "$OWNER" "$SECRET")
}

# show_secrets WORK PORT: sets the variables above.
show_secrets() {
    export PRAVEGA_SECURE_CONTROLLER_URI=tls://localhost:$2 PRAVEGA_SECURE_CA=$1/secrets/ca.pem
    export pravega_client_auth_method=Basic pravega_client_auth_username=$OWNER
    export pravega_client_auth_password=$SECRET pravega_client_tls_cert_path=$1/secrets/ca.pem
}
