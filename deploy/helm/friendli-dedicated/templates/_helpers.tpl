{{- define "friendli.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- /* Arguments of the next two: (list $ COMPONENT) */}}
{{- define "friendli.selector" -}}
{{- $root := first . -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ last . }}
{{- end }}

{{- define "friendli.labels" -}}
{{- $root := first . -}}
{{ include "friendli.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end }}

{{- define "friendli.image" -}}
image: {{ printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{- /* What every pod of ours has: no token, no root. */}}
{{- define "friendli.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "friendli.security" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- /* Spread over nodes and zones as far as there are some. Arguments: (list $ COMPONENT) */}}
{{- define "friendli.spread" -}}
topologySpreadConstraints:
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "friendli.selector" $ | nindent 8 }}
{{- end }}
{{- end }}

{{- define "friendli.databaseEnv" -}}
- name: FRIENDLI_DEDICATED_DATABASE
  valueFrom:
    secretKeyRef:
      name: {{ .Values.database.existingSecret }}
      key: {{ .Values.database.key }}
{{- end }}

{{- /* Variables from a map. */}}
{{- define "friendli.variables" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{- /* How many pods a container may come to. */}}
{{- define "friendli.most" -}}
{{- if .autoscaling.enabled }}{{ max .replicas .autoscaling.maxReplicas }}{{ else }}{{ .replicas }}{{ end -}}
{{- end }}

{{- /* MODEL=URL of every container's pod, as JSON; pods of a StatefulSet have names of their own. */}}
{{- define "friendli.replicaUrls" -}}
{{- $urls := .Values.gateway.replicaUrls -}}
{{- range $container := .Values.containers -}}
{{- $name := printf "%s-%s" (include "friendli.fullname" $) $container.name -}}
{{- range $i := until (include "friendli.most" (include "friendli.container" $container | fromYaml) | int) -}}
{{- $urls = append $urls (printf "%s=http://%s-%d.%s.%s.svc:8000" $container.name $name $i $name $.Release.Namespace) -}}
{{- end -}}
{{- end -}}
{{ toJson $urls }}
{{- end }}

{{- /* One of .Values.containers with what it leaves out. */}}
{{- define "friendli.container" -}}
{{- $defaults := dict "model" "postcard" "adapters" list "replicas" 1 "settings" dict "drainSeconds" 30
      "autoscaling" (dict "enabled" false "maxReplicas" 1 "predictedSeconds" 20)
      "resources" dict "volumes" list "volumeMounts" list "nodeSelector" dict "tolerations" list -}}
{{ toYaml (mergeOverwrite $defaults (deepCopy .)) }}
{{- end }}
