/** What a configuration says of services elsewhere and of backups: mail, files, where copies go. Rule: reads, and judges nothing. */
import type { SmtpTls } from "../settings.ts";
import type { SettingsReader } from "./sources.ts";
import { settings } from "./table.ts";

/** All of it is set, but for the region, or nothing. */
export interface S3Config {
  /** Undefined: files lie in the data directory. */
  readonly endpoint: string | undefined;
  readonly bucket: string | undefined;
  readonly region: string;
  readonly accessKeyId: string | undefined;
  readonly secretFile: string | undefined;
}

export interface BackupConfig {
  /** `HH:MM`, UTC; undefined: none is made by itself. */
  readonly at: string | undefined;
  readonly directory: string;
  readonly keep: number;
  readonly passphraseFile: string | undefined;
}

export interface SmtpConfig {
  /** Undefined: no mail is sent. */
  readonly host: string | undefined;
  readonly port: number;
  readonly tls: SmtpTls;
  readonly user: string | undefined;
  readonly passwordFile: string | undefined;
  /** Undefined: no-reply at the public address's host. */
  readonly from: string | undefined;
}

export function smtpOf(reader: SettingsReader): SmtpConfig {
  return {
    host: reader.read("smtpHost", settings.smtpHost),
    port: reader.read("smtpPort", settings.smtpPort),
    tls: reader.read("smtpTls", settings.smtpTls),
    user: reader.read("smtpUser", settings.smtpUser),
    passwordFile: reader.read("smtpPasswordFile", settings.smtpPasswordFile),
    from: reader.read("smtpFrom", settings.smtpFrom),
  };
}

export function s3Of(reader: SettingsReader): S3Config {
  return {
    endpoint: reader.read("s3Endpoint", settings.s3Endpoint),
    bucket: reader.read("s3Bucket", settings.s3Bucket),
    region: reader.read("s3Region", settings.s3Region) ?? "us-east-1",
    accessKeyId: reader.read("s3AccessKeyId", settings.s3AccessKeyId),
    secretFile: reader.read("s3SecretFile", settings.s3SecretFile),
  };
}
