{{- /* The gateway's variables. Its flags have the same names: `friendli dedicated serve --help`. */}}
{{- define "friendli.gatewayEnv" -}}
{{- $given := dict
      "HOST" "0.0.0.0"
      "PORT" 8080
      "METRICS_PORT" 8282
      "LOG_FORMAT" "json"
      "ADMIN" false
      "PUBLIC_URL" .Values.gateway.publicUrl
      "RESULTS" .Values.store.url
      "PRESIGN" .Values.store.presign
      "REQUEST_SECONDS" .Values.gateway.requestSeconds
      "OFFER" .Values.gateway.offers
      "REPLICA" (include "friendli.replicaUrls" . | fromJsonArray)
      "LAUNCHER" .Values.launcher -}}
{{- range $name, $value := .Values.gateway.settings }}{{ $_ := set $given (upper $name) $value }}{{ end -}}
{{ include "friendli.databaseEnv" . }}
{{- range $name, $value := $given }}
- name: FRIENDLI_DEDICATED_{{ $name }}
  value: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
{{- end }}
{{- include "friendli.variables" .Values.store.env }}
{{- end }}
